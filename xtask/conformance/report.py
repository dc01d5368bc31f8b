"""What a driver says: one line for each step, and an exit code."""

import traceback

_failed = False


def step(name, work, known=None):
    """Runs a step and says how it went; `known` is a fault that the client itself has: a word of its error, and ours."""
    global _failed
    try:
        value = work()
        if known:
            _failed = True
            print(f"FAIL {name}: the fault that this client was known for is gone: {known[1]}", flush=True)
        else:
            print(f"ok   {name}" + (f": {value}" if isinstance(value, str) else ""), flush=True)
        return value
    except Exception as error:  # A client may raise anything.
        if known and known[0] in str(error):
            print(f"own  {name}: a fault of the client itself: {known[1]}", flush=True)
            return None
        _failed = True
        print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
        traceback.print_exc()
        return None


def finish():
    raise SystemExit(1 if _failed else 0)
