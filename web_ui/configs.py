"""The configs that a console is given, before a server that tells none; one that is wanting is looked for again."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from store_client import Objective
from web_ui.missing import ConfigInvalid, ConfigMissing

Config = Mapping[str, Any]
ID = re.compile(r"exp_[0-9A-Za-z]+")
ENDINGS = (".yaml", ".yml")


class Configs(Mapping[str, Config]):
    """Those that could be read, by experiment; of a directory each experiment has to have one."""

    def __init__(self, folder: Path | None = None, known: Mapping[str, Config] | None = None) -> None:
        self._folder, self._known = folder, dict(known or {})

    def __getitem__(self, experiment_id: str) -> Config:
        return self._known[experiment_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    async def check(self, experiment_id: str) -> None:
        """ConfigMissing or ConfigInvalid while a directory holds no good config of the experiment."""
        if self._folder is not None and experiment_id not in self._known:
            self._known[experiment_id] = await asyncio.to_thread(_find, self._folder, experiment_id)

    def look(self) -> "Configs":
        """The same with all that its directory holds now; what cannot be read is told on its experiment's pages."""
        for file in sorted(self._folder.glob("exp_*")) if self._folder is not None else ():
            if file.suffix in ENDINGS and file.stem not in self._known:
                try:
                    self._known[file.stem] = read_config(file)
                except ConfigInvalid:
                    continue
        return self


def _find(folder: Path, experiment_id: str) -> Config:
    names = (f"{experiment_id}{ending}" for ending in ENDINGS) if ID.fullmatch(experiment_id) else ()
    file = next((folder / name for name in names if (folder / name).is_file()), None)
    if file is None:
        raise ConfigMissing(experiment_id, str(folder))
    return read_config(file)


def read_config(file: Path) -> Config:
    """The config in a file; ConfigInvalid when it is none."""
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigInvalid(str(file), _fault(error)) from error
    if not isinstance(config, dict):
        raise ConfigInvalid(str(file), "not the config of an experiment: it holds no mapping")
    try:
        Objective.model_validate(config.get("objective"))
    except ValidationError as error:
        raise ConfigInvalid(str(file), f"its objective cannot be read: {error.errors()[0]['msg']}") from error
    return config


def _fault(error: Exception) -> str:
    """What is wrong with a file, and in which line where that is known."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1} is no YAML: {error.problem}"
    return " ".join(str(error).split())
