"""AMI Autopatch on the embedded AWS: deployed, started, watched and reported."""

import sys
from pathlib import Path

# What passes between the states is defined with the functions, which are a package of their own.
_FUNCTIONS = str(Path(__file__).parent.parent / "functions")
if _FUNCTIONS not in sys.path:
    sys.path.append(_FUNCTIONS)
