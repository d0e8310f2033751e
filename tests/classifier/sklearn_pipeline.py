"""The reference: scikit-learn's own pipeline with the cleaning, the vocabulary and the weights of one of our models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from classifier.features import LETTERS, spoken, terms
from classifier.model import Categoriser


def pipeline_of(model: Categoriser) -> Pipeline:
    """Cleaned once, as ours is; then TF-IDF of words and letters, then the linear model."""
    parts = model.parts
    blocks = [("words", TfidfVectorizer(analyzer=terms, vocabulary=parts.vocabulary.words, sublinear_tf=True))]
    if parts.vocabulary.letters:
        letters = TfidfVectorizer(
            preprocessor=" ".join,
            analyzer="char_wb",
            ngram_range=(min(LETTERS), max(LETTERS)),
            vocabulary=parts.vocabulary.letters,
            sublinear_tf=True,
        )
        blocks.append(("letters", letters))
    border = len(parts.vocabulary.words)
    for (_, vectoriser), idf in zip(blocks, np.split(parts.vocabulary.idf, [border]), strict=False):
        vectoriser.idf_ = idf
    linear = LogisticRegression()
    linear.classes_ = model.classes_
    linear.coef_ = (parts.weights * parts.scales[:, None].astype(float)).T / parts.temperature
    linear.intercept_ = parts.intercepts / parts.temperature
    cleaner = FunctionTransformer(all_spoken)
    return Pipeline([("clean", cleaner), ("features", FeatureUnion(blocks)), ("linear", linear)])


def all_spoken(texts: Sequence[str]) -> list[list[str]]:
    return [spoken(text) for text in texts]
