from pathlib import Path

import pytest
import torch
from tiny_models import tiny_language_model
