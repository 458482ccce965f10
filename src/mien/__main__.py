"""The way in: `mien`, or python -m mien. What takes long to load is loaded after Ctrl-C is minded."""

from .signals import end_while_importing


def main() -> None:
    end_while_importing()
    from .cli import main as run

    run()


if __name__ == "__main__":
    main()
