"""One module for each family of methods. A method is a function of its name: the call, then the arguments of the
request.
"""
