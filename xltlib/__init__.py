"""xltlib: the small library under the notebooks of the cross-lingual robustness study.

Data flows one way through its packages: text_files, artifacts, languages, params, corpora,
encoders, tasks, training, evaluation, attacks, analysis, reporting, study, execution, cli.
Importing it costs nothing: no network, no GPU, and no heavy library until a package does work.
"""

__version__ = "0.1.0"
