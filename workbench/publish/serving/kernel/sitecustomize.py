"""What every kernel of a server runs before anything else; Python imports a module of this name by itself.

A kernel that can't be guarded must not start, and Python would only print an error of this module and go on: so it ends
the process itself.
"""

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[4])
if _ROOT not in sys.path:
    # A bare checkout; an installed workbench is found without. Last, so that nothing of Python's own is shadowed.
    sys.path.append(_ROOT)

try:
    from workbench.publish.serving.guard import guard
    from workbench.startup import skip_unused_grammar

    skip_unused_grammar()
    guard(os.environ)
except BaseException as error:  # noqa: BLE001 - whatever it is, an unguarded kernel is worse
    sys.stderr.write(f"the kernel could not be guarded, so it was not started: {error!r}\n")
    os._exit(70)
