"""One job, stage by stage: worker, lease, stages, the volume, the analysis in a child process."""
