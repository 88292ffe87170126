#pragma once
inline __m512 zero();
