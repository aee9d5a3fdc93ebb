"""``python -m shinso``, also under ``torchrun -m shinso``."""

import sys

from shinso.cli import main

sys.exit(main())
