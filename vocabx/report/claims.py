"""What every report that holds claims can be asked."""

import json
from abc import ABC, abstractmethod
from typing import Any

from vocabx.tokenizer.certificate import Certificate, Claim


class ClaimsReport(ABC):
    """A report with claims; a subclass is a dataclass and says what its plain data are."""

    claims: tuple[Claim, ...]

    @property
    def passed(self) -> bool:
        """Whether every required claim holds."""
        return Certificate(self.claims).passed

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, ready for JSON."""

    def to_json(self) -> str:
        """The content of report.json."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
