"""The peer of `sentimeter serve`: the same kind of model in scikit-learn, behind Flask.

    gunicorn --workers 2 --bind 127.0.0.1:PORT serve_flask:app

SENTIMETER_PEER_MODEL names the pickle that serve_model.py wrote."""

import os
import pickle

from flask import Flask, jsonify, request

with open(os.environ["SENTIMETER_PEER_MODEL"], "rb") as file:
    MODEL = pickle.load(file)
LABELS = [str(label) for label in MODEL.classes_]

app = Flask(__name__)


@app.post("/v1/predict")
def predict():
    text = request.get_json()["text"]
    row = MODEL.predict_proba([text])[0]
    top = int(row.argmax())
    return jsonify(
        sentiment=LABELS[top],
        confidence=float(row[top]),
        probabilities={label: float(p) for label, p in zip(LABELS, row)},
        text=text,
    )
