"""The newest sessions of a frontend, straight from the order of the index: a sample that costs the same at any size."""


def newest_in_index(count: int, *, column: str = "session_id", bounded: bool = True) -> str:
    """A SELECT of so many rows of the index, the latest hours first; `bounded` by the parameters low and high.

    A session that spans hours is listed in each, so that there may be fewer of them than rows; never more.
    """
    hours = " AND value BETWEEN {low:String} AND {high:String}" if bounded else ""
    return (
        f"SELECT {column} FROM session_index WHERE frontend = {{frontend:String}} AND aspect = 'hour'"
        f"{hours} ORDER BY frontend DESC, aspect DESC, value DESC LIMIT {count:d}"
    )
