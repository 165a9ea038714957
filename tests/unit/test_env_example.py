"""``.env.example`` says what the settings say: names, order, meanings, defaults."""

from __future__ import annotations

from pathlib import Path

from app.config import Settings, env_example

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_the_example_is_what_the_settings_say() -> None:
    assert EXAMPLE.read_text("utf-8") == env_example(), "run `make env`"


def test_the_example_as_it_is_changes_nothing() -> None:
    assert Settings.load({}, EXAMPLE) == Settings()


def test_every_default_in_the_example_reads_back(tmp_path: Path) -> None:
    names = [name.upper() for name in Settings.__struct_fields__]
    lines = [line.removeprefix("# ") for line in EXAMPLE.read_text("utf-8").splitlines()]
    set_all = [line for line in lines if line.split("=")[0] in names]
    assert [line.split("=")[0] for line in set_all] == names
    dotenv = tmp_path / ".env"
    dotenv.write_text("\n".join(set_all), "utf-8")
    assert Settings.load({}, dotenv) == Settings()
