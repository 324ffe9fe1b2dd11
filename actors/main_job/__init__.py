"""The main job: the whole funnel on the sample territory, from listing to inbox."""
