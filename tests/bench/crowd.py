"""So many processes of one command at once: `python3 -I -S crowd.py COUNT REQUEST FOLDER COMMAND...`.

Each reads the file REQUEST and writes to FOLDER/<number>. Prints JSON: wall and CPU seconds of all, and the peak of
each one's resident memory in KiB. By itself, as a large parent's memory would be counted as its children's.
"""

import json
import os
import sys
import time

count, request, folder, *command = sys.argv[1:]
began = time.monotonic()
for number in range(int(count)):
    files = [
        (os.POSIX_SPAWN_OPEN, 0, request, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, f"{folder}/{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    os.posix_spawn(command[0], command, os.environ, file_actions=files)
used = [os.wait3(0)[2] for _ in range(int(count))]
taken = {"wall": time.monotonic() - began, "cpu": sum(one.ru_utime + one.ru_stime for one in used)}
print(json.dumps({**taken, "peaks": [one.ru_maxrss for one in used]}))
