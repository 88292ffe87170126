#include <gemma4.hpp>

std::size_t owners_elsewhere();

int main() { return gemma4::architecture<gemma4::e2b>::schedule.owners == owners_elsewhere() ? 0 : 1; }
