"""The arena: every domain's default call beside what others would try, on public sets."""
