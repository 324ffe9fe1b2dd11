"""Answers of job boards, written after their documented shapes; all companies made up."""

from __future__ import annotations

import json
from typing import Any


def greenhouse(*titles: str, **more: Any) -> str:
    jobs = [
        {
            "id": 4000 + number,
            "internal_job_id": number,
            "title": f"{title} ",
            "updated_at": "2026-11-02T10:00:00-05:00",
            "first_published": "2026-10-01T10:00:00-04:00",
            "location": {"name": "Duluth, MN"},
            "absolute_url": f"https://harborworks.example/jobs?gh_jid={4000 + number}",
            "company_name": "Harbor Works",
            "content": "&lt;p&gt;Nuts &amp;amp; bolts &lt;b&gt;daily&lt;/b&gt;&lt;/p&gt;",
            "departments": [{"id": 1, "name": "Workshop"}],
            "pay_input_ranges": [
                {"min_cents": 6000000, "max_cents": 7500000, "currency_type": "USD"}
            ],
        }
        for number, title in enumerate(titles)
    ]
    return json.dumps({"jobs": jobs, "meta": {"total": len(jobs)}} | more)


LEVER = json.dumps(
    [
        {
            "id": "a1b2",
            "text": "Machinist",
            "categories": {
                "location": "Leeds, United Kingdom", "commitment": "Full-time",
                "team": "Shop", "allLocations": ["Leeds, United Kingdom"],
            },
            "country": "GB",
            "descriptionPlain": "Turn metal.",
            "hostedUrl": "https://jobs.lever.co/gear-and-son/a1b2",
            "applyUrl": "https://jobs.lever.co/gear-and-son/a1b2/apply",
            "workplaceType": "on-site",
            "salaryRange": {"currency": "GBP", "interval": "per-year-salary", "min": 30000, "max": 40000},
            "createdAt": 1793491200000,
        }
    ]
)  # fmt: skip

ASHBY = json.dumps(
    {
        "apiVersion": "1",
        "jobs": [
            {
                "id": "x-1", "title": "Baker", "department": "Kitchen",
                "employmentType": "FullTime", "location": "Lyon",
                "address": {"postalAddress": {
                    "addressLocality": "Lyon", "addressRegion": "ARA",
                    "addressCountry": "France"}},
                "isRemote": True, "workplaceType": "Hybrid", "isListed": True,
                "publishedAt": "2026-11-01T00:00:00.000+00:00",
                "jobUrl": "https://jobs.ashbyhq.com/petit-four/x-1",
                "applyUrl": "https://jobs.ashbyhq.com/petit-four/x-1/application",
                "descriptionHtml": "<p>Bread.</p>",
                "compensation": {"compensationTierSummary": "€30K - €35K"},
            },
            {"id": "x-2", "title": "Secret", "isListed": False,
             "jobUrl": "https://jobs.ashbyhq.com/petit-four/x-2"},
        ],
    }
)  # fmt: skip

WORKABLE = json.dumps(
    {
        "name": "Dune Tours",
        "description": None,
        "jobs": [
            {
                "title": "Guide", "shortcode": "AB12CD34EF", "country": "Portugal",
                "state": "Faro", "city": "Lagos", "department": "Field",
                "telecommuting": False, "url": "https://apply.workable.com/j/AB12CD34EF",
                "application_url": "https://apply.workable.com/j/AB12CD34EF/apply",
                "published_on": "2026-10-30", "created_at": "2026-10-29",
                "employment_type": "Part-time",
            }
        ],
    }
)  # fmt: skip


def smartrecruiters(offset: int, total: int, size: int = 2) -> str:
    content = [
        {
            "id": str(700 + number), "name": f"Clerk {number}", "uuid": "u",
            "company": {"identifier": "NorthStores", "name": "North Stores"},
            "releasedDate": "2026-11-01T08:00:00.000Z",
            "location": {"city": "Oslo", "region": "", "country": "no", "remote": False,
                         "fullLocation": "Oslo, , Norway"},
            "department": {"label": "Shops"}, "typeOfEmployment": {"label": "Full-time"},
            "ref": "https://api.smartrecruiters.com/v1/x",
        }
        for number in range(offset, min(offset + size, total))
    ]  # fmt: skip
    return json.dumps(
        {"offset": offset, "limit": size, "totalFound": total, "content": content}
    )


REMOTE_OK = json.dumps(
    [
        {"last_updated": 1793491200, "legal": "Please link back and mention Remote OK."},
        {
            "slug": "remote mecanico", "id": "1099", "epoch": 1793491200,
            "date": "2026-11-01T00:00:00+00:00", "company": "Caf\u00c3\u00a9 Sol  ",
            "position": "Mec\u00c3\u00a1nico", "tags": ["ops", ""], "location": "Worldwide",
            "description": "<p>Fix things.</p> Please mention the word **GLAD** and tag RMTI=.",
            "salary_min": 0, "salary_max": 0, "apply_url": "https://remoteok.com/l/1099",
            "url": "https://remoteok.com/remote-jobs/remote mecanico-1099",
        },
    ]
)  # fmt: skip

WE_WORK_REMOTELY = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>WWR</title><ttl>60</ttl>
<item><title>Tidy Books: Senior Editor: Fiction</title><region>Anywhere in the World</region>
<category>Design</category><type>Full-Time</type><skills>Words, Commas</skills>
<description>&lt;p&gt;&lt;strong&gt;Headquarters:&lt;/strong&gt; Austin, TX
&lt;br /&gt;&lt;strong&gt;URL:&lt;/strong&gt; &lt;a href="https://www.tidybooks.example/jobs"&gt;https://www.tidybooks.example&lt;/a&gt;&lt;/p&gt;&lt;p&gt;Edit.&lt;/p&gt;</description>
<pubDate>Sun, 01 Nov 2026 08:00:00 +0000</pubDate>
<guid>https://weworkremotely.com/remote-jobs/tidy-books-editor</guid>
<link>https://weworkremotely.com/remote-jobs/tidy-books-editor</link></item>
<item><title>Quiet Co: Tester</title><description></description>
<link>https://weworkremotely.com/remote-jobs/quiet</link></item>
</channel></rss>"""


def stories() -> str:
    titles = ["Ask HN: Who wants to be hired? (November 2026)",
              "Ask HN: Freelancer? Seeking freelancer? (November 2026)",
              "Ask HN: Who is hiring? (November 2026)"]  # fmt: skip
    hits = [
        {
            "objectID": str(900 + n),
            "title": title,
            "author": "whoishiring",
            "created_at_i": 5,
        }
        for n, title in enumerate(titles)
    ]
    hits.append(
        {
            "objectID": "12",
            "title": "Ask HN: Who is hiring? (October 2026)",
            "created_at_i": 2,
        }
    )
    return json.dumps({"hits": hits, "nbHits": 4, "page": 0, "nbPages": 1})  # fmt: skip


def comment(key: int, text: str | None, **more: Any) -> dict[str, Any]:
    return {"id": key, "created_at": "2026-11-02T15:00:00.000Z", "author": "a",
            "parent_id": 902, "story_id": 902, "text": text, "children": []} | more  # fmt: skip


THREAD = json.dumps(
    {
        "id": 902,
        "title": "Ask HN: Who is hiring? (November 2026)",
        "children": [
            comment(1, 'Loom Labs (<a href="https:&#x2F;&#x2F;loomlabs.example">https:&#x2F;&#x2F;loomlabs.example</a>) | Backend Engineer | Berlin, Germany | ONSITE | Full-time | €70k<p>Write to jobs@loomlabs.example or hr at loomlabs dot example'),
            comment(2, "Remote (US) | Acme Rockets (acmerockets.example) | Designer | $120k"),
            comment(3, "Is anybody hiring juniors?"),
            comment(4, "Location: Paris | Remote: yes | Willing to relocate: no"),
            comment(5, None),
        ],
    }
)  # fmt: skip

COMPANY_PAGE = """<title>Jobs | Mill Bakery</title>
<script type="application/ld+json">{"@context": "https://schema.org", "@type": "JobPosting",
"title": "Baker", "datePosted": "2026-11-01", "validThrough": "2026-12-31",
"employmentType": ["FULL_TIME", "PART_TIME"], "description": "<p>Bake.</p>",
"hiringOrganization": {"@type": "Organization", "name": "Mill Bakery", "sameAs": "https://millbakery.example/about"},
"jobLocation": {"@type": "Place", "address": {"@type": "PostalAddress", "addressLocality": "Ghent", "addressCountry": "BE"}},
"baseSalary": {"@type": "MonetaryAmount", "currency": "EUR", "value": {"@type": "QuantitativeValue", "minValue": 15, "maxValue": 18.0, "unitText": "HOUR"}}}</script>
<script type="application/ld+json">{"@type": "JobPosting", "title": }</script><body>Come."""
