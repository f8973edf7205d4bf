"""`python -m recipes`: what the Makefile calls."""

import sys

from recipes._runner.cli import main

sys.exit(main())
