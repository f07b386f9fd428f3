"""The peer of `sentimeter serve`: the same kind of model in scikit-learn, behind FastAPI.

    uvicorn --workers 2 --port PORT --no-access-log serve_fastapi:app

A plain `def` handler, as FastAPI advises for work that blocks. SENTIMETER_PEER_MODEL names the pickle that
serve_model.py wrote."""

import os
import pickle

from fastapi import FastAPI
from pydantic import BaseModel

with open(os.environ["SENTIMETER_PEER_MODEL"], "rb") as file:
    MODEL = pickle.load(file)
LABELS = [str(label) for label in MODEL.classes_]

app = FastAPI()


class Asked(BaseModel):
    text: str


@app.post("/v1/predict")
def predict(asked: Asked):
    row = MODEL.predict_proba([asked.text])[0]
    top = int(row.argmax())
    return {
        "sentiment": LABELS[top],
        "confidence": float(row[top]),
        "probabilities": {label: float(p) for label, p in zip(LABELS, row)},
        "text": asked.text,
    }
