"""The measured call by Python's requests, with one session: `requests_client.py CALLS`, the server's line in BENCH_DEMO."""

import json
import os
import sys
import time

import requests

demo = json.loads(os.environ["BENCH_DEMO"])
account = next(account for account in demo["accounts"] if account["seller_id"] == "A1BENCH")
sp = demo["sp_api"]
session = requests.Session()
form = {
    "grant_type": "refresh_token",
    "refresh_token": account["refresh_token"],
    "client_id": sp["client_id"],
    "client_secret": sp["client_secret"],
}
token = session.post(sp["lwa_url"], data=form).json()["access_token"]
url = sp["base_url"].rstrip("/") + "/listings/2021-08-01/items/A1BENCH/BENCH-1"
query = {"marketplaceIds": "ATVPDKIKX0DER", "includedData": "summaries,attributes,issues,offers"}
headers = {"x-amz-access-token": token}


def call():
    answer = session.get(url, params=query, headers=headers, timeout=30)
    answer.raise_for_status()
    assert answer.json()["sku"] == "BENCH-1"


calls = int(sys.argv[1])
call()
cpu, wall = time.process_time(), time.perf_counter()
for _ in range(calls):
    call()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(f"| Python requests {requests.__version__} | {cpu / calls * 1e6:.0f} | {calls / wall:.0f} |")
