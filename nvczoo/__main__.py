"""``python -m nvczoo`` is ``nvczoo``."""

from nvczoo.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
