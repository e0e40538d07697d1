"""Everything that only a GPU can show, in one program for a GPU that is rented for minutes.

    python -m benchmarks.device prepare carried            # here: gathers what must travel
    python -m benchmarks.device --data carried --out done  # there: measures, part by part
    python -m benchmarks.device keep done                  # here: adds rows to results/device.csv
    python -m benchmarks.device checkpoint done lstm-wiki  # here: the language model as an artifact

The machine needs no network, no git and neither timm nor spaCy. See `benchmarks.device.__main__`.
"""
