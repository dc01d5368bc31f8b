// The measured call by npm's axios, with connections kept: `axios_client.mjs CALLS`, the server's line in BENCH_DEMO.

import http from "node:http";
import axios from "axios";

const demo = JSON.parse(process.env.BENCH_DEMO);
const account = demo.accounts.find((account) => account.seller_id === "A1BENCH");
const sp = demo.sp_api;
const client = axios.create({ httpAgent: new http.Agent({ keepAlive: true }), timeout: 30000 });
const form = new URLSearchParams({
  grant_type: "refresh_token",
  refresh_token: account.refresh_token,
  client_id: sp.client_id,
  client_secret: sp.client_secret,
});
const token = (await client.post(sp.lwa_url, form)).data.access_token;
const url = `${sp.base_url.replace(/\/$/, "")}/listings/2021-08-01/items/A1BENCH/BENCH-1`;
const params = { marketplaceIds: "ATVPDKIKX0DER", includedData: "summaries,attributes,issues,offers" };

async function call() {
  const answer = await client.get(url, { params, headers: { "x-amz-access-token": token } });
  if (answer.data.sku !== "BENCH-1") throw new Error("another listing");
}

const calls = Number(process.argv[2]);
await call();
const cpu = process.cpuUsage();
const start = process.hrtime.bigint();
for (let done = 0; done < calls; done += 1) await call();
const used = process.cpuUsage(cpu);
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const cost = (used.user + used.system) / calls;
console.log(`| npm axios ${axios.VERSION} | ${cost.toFixed(0)} | ${(calls / seconds).toFixed(0)} |`);
