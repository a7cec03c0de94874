"""The vertex finder's own HLS C++, with ``@top@`` for the name of the top function."""
