"""From a run to a model that can be shared: weights, card, and a page with what was measured."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from nvczoo.errors import TrainingError
from nvczoo.loading import load
from nvczoo.sources import FOLDER, WEIGHTS_FILE
from nvczoo.train.records import ABOUT, LOG, RECIPE, STAGES, read_rows

FIGURES = ("bpp", "motion_bpp", "psnr", "endpoint")
SUMMARY = "{model}, trained by nvczoo in {steps} steps"


def export_run(run: Path, target: Path, overwrite: bool = False) -> Path:
    """Write the model of a run into a folder as the Hub has it, and return the folder.

    The page says how the model was trained, and what each stage did on clips kept out of training. Raises
    TrainingError for a folder that no run has left weights in, WeightsError for one that cannot be written.
    """
    for name in (ABOUT, RECIPE, WEIGHTS_FILE):
        if not (run / name).is_file():
            raise TrainingError(f"{run} has no {name}: name the folder of a run that has finished a stage")
    model = load(f"{FOLDER}{run}")
    training, results = _training(run), _results(run)
    summary = SUMMARY.format(model=training["model"], steps=training["steps"])
    card = replace(model.card, summary=summary, training=training, results=results)
    return model.save_pretrained(target, card, overwrite)


def _training(run: Path) -> dict[str, Any]:
    """Return how the model came about; what was not known is left out."""
    about = json.loads((run / ABOUT).read_text())
    stages = json.loads((run / RECIPE).read_text())["stages"]
    rows = read_rows(run / STAGES)
    done = [row["stage"] for row in rows]
    last = read_rows(run / LOG)[-1:]
    troubles = {name: int(row[name]) for row in last for name in ("skipped", "returns")}
    table = about | {
        "stages": done,
        "finished": done == [stage["name"] for stage in stages],
        "steps": int(rows[-1]["step"]) if rows else 0,
        **troubles,
    }
    return {key: value for key, value in table.items() if value != ""}


def _results(run: Path) -> dict[str, Any]:
    """Return what each stage did on the clips it was looked at with, and how that was measured."""
    rows = read_rows(run / STAGES)
    if not rows:
        return {}
    conditions = {
        "clips": "crops kept out of training" if rows[-1]["clips"] == "held out" else "crops trained on",
        "bpp": "estimated bits per luma sample, mean over the frames of a crop, the intra frame among them",
        "psnr": "dB, of the mean MSE weighed 6:1:1, on the crops as they were drawn: scaled, in other light",
        "q": "8, 24, 40 and 56 in turn: a mean over rates, to compare stages by, not other codecs",
        "endpoint": "luma samples between estimated and true flow, on pictures set in motion",
    }
    return {"stages": {"conditions": conditions, "points": [_point(row) for row in rows]}}


def _point(row: dict[str, str]) -> dict[str, Any]:
    figures = {name: round(float(row[name]), 4) for name in FIGURES}
    known = {name: value for name, value in figures.items() if math.isfinite(value)}
    return {"stage": row["stage"], "step": int(row["step"]), **known}
