"""The command ``shinso study``."""

from pathlib import Path


def study_command(arguments: list[str]) -> int:
    """Lists the studies, or runs the one that is named; returns the exit status."""
    from shinso.studies import STUDIES, claim_of

    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: shinso study NAME [options] [--to DIRECTORY]\n")
        for name, study in STUDIES.items():
            print(f"  {name:25}{claim_of(study)}")
        print("\nshinso study NAME --help shows its options.")
        return 0
    name, *rest = arguments
    if name not in STUDIES:
        raise ValueError(f"there is no study {name!r}; there are: {', '.join(STUDIES)}")
    import tyro

    study = STUDIES[name]
    directory, rest = _taken("--to", rest)
    description = f"{claim_of(study)} Numbers and picture go to the directory after --to, runs/study-{name} by default."
    outcome = tyro.cli(study, prog=f"shinso study {name}", args=rest, description=description)
    print(outcome)
    print(f"\npicture: {outcome.save(directory or Path('runs') / f'study-{name}')}")
    return 0


def _taken(flag: str, arguments: list[str]) -> tuple[Path | None, list[str]]:
    """The value of a flag and the arguments without it."""
    for position, argument in enumerate(arguments):
        if argument.startswith(f"{flag}="):
            return Path(argument.partition("=")[2]), arguments[:position] + arguments[position + 1 :]
        if argument == flag:
            if position + 1 == len(arguments):
                raise ValueError(f"{flag} needs a directory after it")
            return Path(arguments[position + 1]), arguments[:position] + arguments[position + 2 :]
    return None, arguments
