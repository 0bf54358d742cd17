"""xltlib: the small library under the notebooks of the cross-lingual robustness study.

Data flows one way through its packages: artifacts, languages, params, corpora, encoders, tasks,
training, evaluation, attacks, analysis, reporting, study and cli. Importing it costs nothing: no
network, no GPU, and no heavy library is touched until a package is asked to work.
"""

__version__ = "0.1.0"
