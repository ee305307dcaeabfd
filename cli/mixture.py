"""vocabx mixture: how much replay."""

from vocabx.commands.mixture.options import MixtureOptions

from .options import command
from .plain_line import json_line


@command(MixtureOptions, out="{directory}-mixture", dry_run=True)
def fit_mixture(options: MixtureOptions, quiet: bool, dry_run: bool, as_json: bool) -> None:
    """Train shortly with several shares of replay, and say which share to train with."""
    from .progress import TerminalProgress

    if dry_run:
        _plan(options, as_json)
        return
    from vocabx.commands.mixture.run import fit_mixture as run

    result = run(options, TerminalProgress(quiet))
    if as_json:
        print(json_line({"out": str(result.directory), **result.study.plain()}))
        return
    from .mixture_table import print_mixture

    print_mixture(result)


def _plan(options: MixtureOptions, as_json: bool) -> None:
    from vocabx.commands.mixture.plan import check_mixture_packages, make_mixture_plan
    from vocabx.training.duration import described
    from vocabx.training.processes import Processes
    from vocabx.training.speed import speeds

    from .terminal import print_properties

    check_mixture_packages(options)
    device = Processes().device
    plan = make_mixture_plan(options, device)
    found = plan.describe(*speeds(device, plan.train.method.dtype))
    if as_json:
        print(json_line(found))
        return
    shares = ", ".join(f"{share:g}" for share in found["replay_shares"])
    checked = "" if found["check_share"] is None else f"; {found['check_share']:g} to check the laws"
    print_properties(
        {
            "checkpoint": found["directory"],
            "method": f"{found['method']} in {found['dtype']}",
            "text": found["corpus"],
            "replay": f"{found['replay']}, shares {shares}{checked}",
            "runs": f"{found['runs']}, of which {found['finished_runs']} are finished; "
            f"{found['steps']:,} steps each, {found['tokens_each'] / 1e6:,.2f} M tokens",
            "asked": f"{found['target_tokens'] / 1e6:,.2f} M tokens in the language",
            "memory": f"about {found['memory_bytes'] / 1e9:.2f} GB",
            "time": described(found["estimated_seconds"]),
            "writes": found["out"],
        }
    )
