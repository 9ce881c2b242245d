"""The other side of a comparison, in a process of its own: python bench/peers/worker.py TASK '{"option": 1}'.
Says what it is in a line of JSON, does the task once for every line `run`, and ends at `end`."""
import json
import resource
import sys
import time

import objects_task
import torch_tasks

TASKS = {**torch_tasks.TASKS, **objects_task.TASKS}


def main():
    about, run = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    print(json.dumps({"about": about}), flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        start = time.perf_counter()
        run()
        print(json.dumps({"ms": 1e3 * (time.perf_counter() - start)}), flush=True)
    print(json.dumps({"peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


main()
