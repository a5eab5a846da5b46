"""The queue across experiments, its jobs, and the GPUs that they run on."""

from web_ui.pages import gpus, job_acts, jobs, queue, queue_acts, queue_undo, views

PAGES = (
    ("/gpus", gpus.show, "gpus"),
    ("/queue", queue.show, "queue"),
    ("/queue/cancel-several", queue_acts.preview, "preview_cancel"),
    ("/queue/{job}", jobs.show, "job"),
    ("/queue/{job}/log", jobs.log, "job_log"),
)
ACTS = (
    ("/gpus/quarantine", gpus.quarantine, "quarantine_gpu"),
    ("/gpus/drain", gpus.drain, "drain_gpu"),
    ("/gpus/readmit", gpus.readmit, "readmit_gpu"),
    ("/queue/cancel-several", queue_acts.cancel_several, "cancel_several"),
    ("/queue/cancel-several/undo", queue_undo.undo, "undo_cancel"),
    ("/queue/views/save", views.save_of_jobs, "save_job_view"),
    ("/queue/arrays/{array}/cancel", job_acts.cancel_array, "cancel_array"),
    ("/queue/{job}/cancel", job_acts.cancel, "cancel_job"),
    ("/queue/{job}/retry", job_acts.retry, "retry_job"),
    ("/queue/{job}/priority", job_acts.reprioritise, "reprioritise_job"),
    ("/queue/{job}/move", job_acts.move, "move_job"),
)
INSIDE = (("/jobs", queue.of_experiment, "experiment_jobs"),)
