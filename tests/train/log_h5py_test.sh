#!/bin/sh
# What Python's h5py sees of run.h5: growing while the run lives, complete up to two seconds before a kill -9, steps
# without gap or repetition after a resume, readable the plain way after a clean end. LATHE_PYTHON names another Python.
set -eu
python=${LATHE_PYTHON:-python3}
"$python" -c 'import h5py, numpy' 2>/dev/null || { echo "skipped: $python has no h5py (set LATHE_PYTHON)"; exit 77; }
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
"$LATHE_BINARY" demo >/dev/null

"$LATHE_BINARY" fit -c demo/digits.yaml --trainer.max_epochs 100000 --headless >run.log 2>&1 &
pid=$!
"$python" - <<'PYTHON' || { tail -5 run.log; exit 1; }
import h5py, os, time
path = 'runs/cnn/version_0/run.h5'
deadline = time.time() + 60
while True:  # until the file, the metric and some rows are there
    try:
        f = h5py.File(path, 'r', swmr=True)
        if len(f['metrics/train/loss']) > 0 and os.stat(path).st_mtime < time.time() - 0.1:
            break
        f.close()
    except (OSError, KeyError):
        pass
    assert time.time() < deadline, 'no rows after a minute'
    time.sleep(0.2)
d, inode, before = f['metrics/train/loss'], os.stat(path).st_ino, len(f['metrics/train/loss'])
while len(d) <= before:
    assert time.time() < deadline, f'stuck at {before} rows'
    time.sleep(0.2)
    d.refresh()
    if os.stat(path).st_ino != inode:  # new metrics: the file was replaced
        f.close()
        f = h5py.File(path, 'r', swmr=True)
        d, inode = f['metrics/train/loss'], os.stat(path).st_ino
print(f'grew from {before} to {len(d)} rows while read')
PYTHON
sleep 3
"$python" -c 'import time; print(time.time())' >killed
kill -9 "$pid"
wait "$pid" || true
pid=

"$python" - <<'PYTHON'
import h5py
killed = float(open('killed').read())
with h5py.File('runs/cnn/version_0/run.h5', 'r', swmr=True) as f:
    rows = f['metrics/train/loss'][:]
assert (rows['step'] == range(1, len(rows) + 1)).all(), rows['step']
lost = killed - rows['wall'][-1]
print(f'{len(rows)} rows after kill -9, the newest {lost:.2f} s old')
assert lost < 2
PYTHON

"$LATHE_BINARY" fit --resume runs/cnn/version_0 --headless >resumed.log 2>&1 &
pid=$!
sleep 3
kill -TERM "$pid"
wait "$pid" && { echo "a terminated run must not end with 0"; exit 1; }
pid=
"$python" - <<'PYTHON' || { tail -5 resumed.log; exit 1; }
import h5py, json, numpy
with h5py.File('runs/cnn/version_0/run.h5', 'r') as f:
    rows, events = f['metrics/train/loss'][:], f['events'][:]
    kinds = h5py.check_enum_dtype(f['events'].dtype['kind'])
    assert f.attrs['state'] == b'stopped' and f.attrs['resumes'] == 1 and f.attrs['format'] == b'lathe-log'
    assert f.attrs['last_step'] == rows['step'][-1], (f.attrs['last_step'], rows['step'][-1])
    assert f['hparams'].attrs['optimizer.lr'] == 3e-3 and f['hparams'].attrs['data.shuffle'] == True
    assert json.loads(f['hparams_json'][()])['model']['name'] == 'cnn'
    assert len(f['profiler/step/value']) == len(f['profiler/step/step'])
    assert f['profiler/step/name'][2] == b'forward'
assert (rows['step'] == range(1, len(rows) + 1)).all(), 'a gap or a repetition after resuming'
assert (numpy.diff(rows['wall']) >= 0).all()
assert {'start', 'resume', 'end'} <= {k for k, v in kinds.items() if v in events['kind']}
print(f'{len(rows)} rows, {len(events)} events after resuming')
PYTHON
