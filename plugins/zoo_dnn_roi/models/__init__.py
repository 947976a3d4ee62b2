"""Networks of the task ``dnn-roi``: one file each."""
