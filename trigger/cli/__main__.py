"""``python -m trigger.cli`` is the command ``trigger``."""

import sys

from trigger.cli.entry import main

sys.exit(main())
