#pragma once
static_assert(sizeof(int) == 4);    // assert(false); abort();
inline thread_local int calls = 0;
inline void check(bool good)
{
    assert(good);
    if (!good) { std::cerr << "bad"; }
    if (!good) { std::exit(1); }
}
