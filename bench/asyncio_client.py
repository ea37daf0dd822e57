"""The calls of a document's pages by a plain asyncio client: what docmill is compared with in cases/models.py.

  asyncio_client.py URL PAGES AT_ONCE        the time for the calls
  asyncio_client.py zerox URL FILE AT_ONCE   the same pages by py-zerox, which makes pictures of them first

Prints one line of JSON: {"seconds", "pages"}."""

import asyncio
import json
import sys
import time

SCHEMA = {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}


async def plain(url, pages, at_once):
    import aiohttp

    turn = asyncio.Semaphore(at_once)
    path = url + "/v1beta/models/gemini-2.5-flash:generateContent"

    async def ask(session, page):
        body = {"contents": [{"role": "user", "parts": [{"text": f"Page {page}: " + "word " * 500}]}],
                "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}}
        async with turn, session.post(path, json=body, headers={"x-goog-api-key": "test-key"}) as answer:
            said = await answer.json()
            return json.loads(said["candidates"][0]["content"]["parts"][0]["text"])["summary"]

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:
        begun = time.perf_counter()
        summaries = await asyncio.gather(*(ask(session, page) for page in range(1, pages + 1)))
        return time.perf_counter() - begun, sum(bool(one) for one in summaries)


async def zerox(url, file, at_once):
    import os

    os.environ |= {"OPENAI_API_KEY": "test-key", "OPENAI_API_BASE": url + "/v1", "OPENAI_BASE_URL": url + "/v1",
                   "LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it asks the network for prices first
    from pyzerox import zerox as read

    begun = time.perf_counter()
    result = await read(file_path=file, model="gpt-4o-mini", concurrency=at_once)
    return time.perf_counter() - begun, len(result.pages)


def main():
    if sys.argv[1] == "zerox":
        seconds, pages = asyncio.run(zerox(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    else:
        seconds, pages = asyncio.run(plain(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    print(json.dumps({"seconds": seconds, "pages": pages}))


if __name__ == "__main__":
    main()
