"""The other side of a comparison, in a process of its own: python bench/peers/worker.py TASK '{"option": 1}'.
Says what it is in a line of JSON, does the task once for every line `run`, and ends at `end`."""
import json
import resource
import sys
import time

import blocks_task
import store_task
import studio_task


def task_named(name):
    for tasks in (studio_task.TASKS, store_task.TASKS, blocks_task.TASKS):
        if name in tasks:
            return tasks[name]
    # In other environments.
    if name == "foreignStep":
        import foreign_task

        return foreign_task.TASKS[name]
    import objects_task
    import torch_tasks

    return {**torch_tasks.TASKS, **objects_task.TASKS}[name]


def main():
    about, run = task_named(sys.argv[1])(**json.loads(sys.argv[2]))
    print(json.dumps({"about": about}), flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        start = time.perf_counter()
        # Tasks that do more than what is timed measure for themselves.
        measured = run()
        ms = measured if isinstance(measured, float) else 1e3 * (time.perf_counter() - start)
        print(json.dumps({"ms": ms}), flush=True)
    print(json.dumps({"peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


main()
