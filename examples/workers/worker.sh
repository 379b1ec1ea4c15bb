#!/bin/sh
# Works off the queued trainings, the oldest first, and ends when none is left. Needs curl, and for zips unzip.
# LORA_URL: the service. LORA_TOKEN: a token with read, write and worker. LORA_PULL: zip (default) or files.
set -u
api=${LORA_URL%/}/v1 worker=$(uname -n)-$$-$(date +%s) count=0
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT && trap 'exit 1' INT TERM
printf 'Authorization: Bearer %s' "${LORA_TOKEN:-}" >"$tmp/token"

# Yours goes here. It leaves files in $tmp/out, and ends early, with a last checkpoint, once cancelled is true.
train() {
  step=0
  while [ $step -lt 5 ] && ! $cancelled; do
    sleep 1
    step=$((step + 1))
    said='"step":'$step',"totalSteps":5,"metrics":{"loss":0.'$step'},"expectNextInSeconds":60'
    report '"status":"running",'"$said" || return
  done
  cat "$tmp/data"/*/* >"$tmp/out/step-$step.safetensors"
  if [ $step -eq 5 ]; then end=completed; else end=cancelled; fi
}

# Leaves the answer in $tmp/answer. While the service is away it sends the same again. Fails when it is refused.
send() {
  while :; do
    : >"$tmp/answer"
    status=$(curl -sS -m 3600 -H @"$tmp/token" -o "$tmp/answer" -w '%{http_code}' "$@") && case $status in
    2*) return ;;
    429 | 50[234]) ;;
    *) echo "$status: $(cat "$tmp/answer")" >&2 && return 1 ;;
    esac
    sleep 2
  done
}

# By its key, what is sent again is known again: it is answered as before, and not done twice.
post() {
  count=$((count + 1))
  send -H 'Content-Type: application/json' -H "Idempotency-Key: $worker-$count" --data-binary "$2" "$api/$1"
}

# Fails with 409 when the process is another worker's now, or over, and with 404 when it was deleted.
report() {
  post "processes/$id/reports" '{"worker":"'$worker'","attempt":'$attempt',"seq":'$count','"$1"'}' || return
  case $(cat "$tmp/answer") in *'"cancelRequested":true'*) cancelled=true ;; esac
}

# A field of the claimed process that comes before its config; strings as they are in JSON.
field() { sed -E 's/,"config":.*//; s/.*"'"$1"'":"?(([^",}\\]|\\.)*).*/\1/' "$tmp/process"; }
unescaped() { sed -E 's/\\(.)/\1/g'; }
percent() { od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g; s/%0a//g; s/%2f/\//g'; }

pull_zip() {
  post exports '{"include":[{"dataset":"'"$dataset"'"}]}' || return
  # The first: each file has one of its own.
  send "$(grep -oE '"url":"[^"]*"' "$tmp/answer" | head -n 1 | cut -d '"' -f 4)" || return
  mv "$tmp/answer" "$tmp/data.zip" && unzip -q "$tmp/data.zip" -d "$tmp/data"
}

pull_files() {
  send "$api/datasets/$(echo "$dataset" | unescaped | percent)" || return
  grep -oE '"key":"([^"\\]|\\.)*"' "$tmp/answer" | sed 's/^"key":"dataset\///; s/"$//' | unescaped >"$tmp/files"
  while IFS= read -r file; do
    mkdir -p "$tmp/data/${file%/*}"
    send "$api/objects/dataset/$(echo "$file" | percent)" && mv "$tmp/answer" "$tmp/data/$file" || return
  done <"$tmp/files"
}

work() {
  rm -rf "$tmp/data" "$tmp/out" && mkdir "$tmp/data" "$tmp/out"
  report '"status":"starting","message":"pulling the dataset","expectNextInSeconds":600' || return
  "pull_${LORA_PULL:-zip}" && train || return
  report '"message":"storing the results","expectNextInSeconds":600' || return
  for file in "$tmp/out"/*; do
    [ -f "$file" ] || continue
    send -T "$file" "$api/objects/results/$id/lora/$(echo "${file##*/}" | percent)" || return
  done
  report '"status":"'$end'"'
}

while post processes/claim '{"worker":"'$worker'","types":["training"]}' || exit; [ -s "$tmp/answer" ]; do
  mv "$tmp/answer" "$tmp/process"
  id=$(field id) attempt=$(field attempt) dataset=$(field dataset) cancelled=false
  work || report '"status":"failed","error":{"code":"failed","message":"see the log of the worker"}' || true
done
