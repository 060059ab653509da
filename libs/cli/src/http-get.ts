/** HTTP as the commands speak it: bounded in time, to the named place alone, with the credentials that its address holds. */

export async function httpGet(address: string, withinMs: number): Promise<Response> {
  const url = new URL(address);
  const { username, password } = url;
  const token = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  // `fetch` takes no address with credentials, and its error would tell them.
  url.username = "";
  url.password = "";
  return await fetch(url, {
    signal: AbortSignal.timeout(withinMs),
    redirect: "error",
    headers: username === "" && password === "" ? {} : { authorization: `Basic ${token}` },
  });
}
