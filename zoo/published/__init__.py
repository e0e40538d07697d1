"""The data that published models are scored on, and how: for their programs and `zoo hub verify`.

A file here is one protocol: `DATA` names the data set, and `score(model)` gives the scores on the
part of it that the model has not seen.
"""
