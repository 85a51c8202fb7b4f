"""The everyday calls of MilvusClient against values computed here; one check a subject."""

import admin  # noqa: F401 (its checks register themselves)
import orm  # noqa: F401
import programs  # noqa: F401
import refusals  # noqa: F401
import rows  # noqa: F401
import searches  # noqa: F401
import vectors  # noqa: F401
from harness import run_checks

run_checks()
