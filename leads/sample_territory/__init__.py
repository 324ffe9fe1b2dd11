"""A made-up town on loopback: a dozen businesses' web sites and one listing page.

It is real traffic for trying and testing: the ordinary source code fetches it over HTTP.
"""
