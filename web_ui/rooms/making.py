"""Making experiments, and all of them for administrators."""

from web_ui.pages import admin_experiments, new_experiment

PAGES = (
    ("/admin/experiments", admin_experiments.index, "experiments"),
    ("/admin/experiments/new", new_experiment.index, "new_experiment"),
    ("/admin/experiments/new/{source}", new_experiment.show, "source"),
)
ACTS = (
    ("/admin/experiments/clone", new_experiment.clone, "clone_experiment"),
    ("/admin/experiments/new/upload", new_experiment.upload, "upload_source"),
    ("/admin/experiments/new/fetch", new_experiment.fetch, "fetch_source"),
    ("/admin/experiments/new/{source}/create", new_experiment.create, "create_experiment"),
    ("/admin/experiments/new/{source}/drop", new_experiment.drop, "drop_source"),
)
