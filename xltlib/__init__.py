"""xltlib: the small library under the notebooks of the cross-lingual robustness study.

Data flows one way through its rooms: params, artifacts, languages, corpora, encoders, tasks,
training, evaluation, attacks, analysis, study, execution and cli. Importing it costs nothing: no
network, no GPU and no heavy library is touched until a package is asked to work.
"""

__version__ = "0.1.0"
