#!/usr/bin/env python3
"""Works off the queued trainings, the oldest first, and ends when none is left. Python 3.9, nothing else.

LORA_URL: the service. LORA_TOKEN: a token with read, write and worker. LORA_PULL: zip (default) or files.
"""
import functools, io, itertools, json, os, random, socket, sys, tempfile, time, uuid, zipfile
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urljoin
from urllib.request import Request, urlopen

URL, AUTH = os.environ["LORA_URL"].rstrip("/") + "/", {"Authorization": f"Bearer {os.environ.get('LORA_TOKEN', '')}"}
WORKER = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"


def train(process, data, out, report):
    """Put yours here. It leaves files in `out`, and ends early, with a last checkpoint, once `report` has said True."""
    for step in range(10, 101, 10):
        time.sleep(0.5)
        points = [{"step": each, "metrics": {"loss": 1 / each}} for each in range(step - 9, step + 1)]
        if report(status="running", points=points, totalSteps=100, expectNextInSeconds=60):
            break
    weights = b"".join(path.read_bytes() for path in sorted(data.glob("*/*")))
    (out / f"step-{step}.safetensors").write_bytes(weights)
    return step == 100


def send(method, url, body=None, **headers):
    """Gives the bytes of the answer. While the service is away it sends the same again, for half an hour."""
    for tries in range(1000):
        try:
            return urlopen(Request(urljoin(URL, url), body, AUTH | headers, method=method), timeout=120).read()
        except (OSError, HTTPException) as problem:
            if getattr(problem, "code", 503) not in (429, 502, 503, 504) or tries == 999:
                raise
            time.sleep(random.uniform(1, 3))


def ask(method, path, value=None):
    """JSON for JSON. By its key, what is sent again is known again: it is answered as before, and not done twice."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    return json.loads(send(method, path, value and json.dumps(value).encode(), **headers) or "null")


def tell(process, seq, **said):
    """Reports. True: the process shall end. HTTPError 409: it is another worker's now, or over; 404: it was deleted."""
    said |= {"worker": WORKER, "attempt": process["attempt"], "seq": next(seq)}
    return ask("POST", f"v1/processes/{process['id']}/reports", said)["cancelRequested"]


def pull_zip(dataset, folder):
    export = ask("POST", "v1/exports", {"include": [{"dataset": dataset}]})
    zipfile.ZipFile(io.BytesIO(send("GET", export["url"]))).extractall(folder)


def pull_files(dataset, folder):
    for file in ask("GET", f"v1/datasets/{quote(dataset)}")["files"]:
        (path := Path(folder, dataset, file["name"])).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(send("GET", f"v1/objects/{quote(file['key'])}"))


def work(process, report):
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as out:
        report(status="starting", message="pulling the dataset", expectNextInSeconds=600)
        {"zip": pull_zip, "files": pull_files}[os.environ.get("LORA_PULL", "zip")](process["dataset"], data)
        finished = train(process, Path(data), Path(out), report)
        report(message="storing the results", expectNextInSeconds=600)
        for path in Path(out).iterdir():
            send("PUT", f"v1/objects/results/{process['id']}/lora/{quote(path.name)}", path.read_bytes())
        report(status="completed" if finished else "cancelled")


for process in iter(lambda: ask("POST", "v1/processes/claim", {"worker": WORKER, "types": ["training"]}), None):
    report = functools.partial(tell, process, itertools.count())
    try:
        work(process, report)
    except Exception as problem:
        print(f"{process['id']}: {problem!r}", file=sys.stderr)
        with suppress(HTTPError):
            report(status="failed", error={"code": type(problem).__name__, "message": str(problem)[:4000]})
