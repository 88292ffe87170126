// fuzz_<thing>_replay ITERATIONS SEED...: runs a fuzz target without libFuzzer, the same inputs every time.
//
// A SEED is a file or a folder of files. Each is run as it is, cut at every one of its first 64 lengths, and
// then changed ITERATIONS times: flipped bits, replaced, inserted, removed and repeated bytes, splices of two
// seeds, large numbers, noise. A target that throws, crashes or trips a sanitizer fails; the last input is
// then in replay_crash.bin.
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace
{
    using bytes = std::vector<std::uint8_t>;

    // splitmix64
    class counter_random
    {
    public:
        std::uint64_t operator()()
        {
            auto z = m_state += 0x9e3779b97f4a7c15u;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            return z ^ (z >> 31);
        }

        std::size_t below(std::size_t n) { return n == 0 ? 0 : std::size_t((*this)() % n); }
        std::uint8_t byte() { return std::uint8_t((*this)()); }

    private:
        std::uint64_t m_state = 0;
    };

    bytes read(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        return bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }

    std::vector<bytes> read_seeds(int count, char** paths)
    {
        std::vector<std::filesystem::path> files;
        for (int i = 0; i != count; ++i)
        {
            if (std::filesystem::is_regular_file(paths[i])) { files.emplace_back(paths[i]); }
            else if (std::filesystem::is_directory(paths[i]))
            {
                for (auto const& entry : std::filesystem::directory_iterator(paths[i]))
                {
                    files.push_back(entry.path());
                }
            }
        }
        std::sort(files.begin(), files.end());
        std::vector<bytes> seeds;
        for (auto const& file : files) { seeds.push_back(read(file)); }
        return seeds;
    }

    // Texts that parsers of headers, JSON and UTF-8 trip over.
    constexpr std::string_view odd[] = {"18446744073709551615",
                                        "9223372036854775808",
                                        "-1",
                                        "1e309",
                                        "0.0",
                                        "null",
                                        "[[[[[[[[",
                                        "{\"\":",
                                        "\\ud800",
                                        "\\u0000",
                                        "\xff\xfe",
                                        "\xf4\x90\x80\x80",
                                        "\xc0\x80",
                                        "\xe2\x96",
                                        "\xff\xff\xff\xff\xff\xff\xff\x7f",
                                        "\"",
                                        "\\",
                                        ",",
                                        "\n",
                                        "}"};

    void put(bytes& input, std::size_t at, std::string_view text)
    {
        input.insert(input.begin() + std::ptrdiff_t(at), text.begin(), text.end());
    }

    void change(bytes& input, std::vector<bytes> const& seeds, counter_random& random)
    {
        auto const at = random.below(input.size() + 1);
        auto const inside = random.below(input.size());
        auto const length = std::min(random.below(random.below(8) == 0 ? 256 : 9) + 1, input.size() - inside);
        auto const first = input.begin() + std::ptrdiff_t(inside);
        auto const last = first + std::ptrdiff_t(length);
        switch (random.below(8))
        {
        case 0:
            if (!input.empty()) { input[inside] ^= std::uint8_t(1u << random.below(8)); }
            break;
        case 1:
            if (!input.empty()) { input[inside] = random.byte(); }
            break;
        case 2: input.erase(first, last); break;
        case 3: input.resize(at); break;
        case 4: put(input, at, odd[random.below(std::size(odd))]); break;
        case 5:
        {
            bytes const part(first, last);
            put(input, at, {reinterpret_cast<char const*>(part.data()), part.size()});
        }
        break;
        case 6:
        {
            auto const& other = seeds[random.below(seeds.size())];
            auto const from = random.below(other.size() + 1);
            input.resize(at);
            input.insert(input.end(), other.begin() + std::ptrdiff_t(from), other.end());
            break;
        }
        default:
            for (auto n = random.below(16) + 1; n != 0; --n)
            {
                input.insert(input.begin() + std::ptrdiff_t(at), random.byte());
            }
        }
    }

    bytes const* current = nullptr;

    extern "C" void keep_current(int signal)
    {
        std::signal(signal, SIG_DFL);
        std::ofstream("replay_crash.bin", std::ios::binary)
            .write(reinterpret_cast<char const*>(current->data()), std::streamsize(current->size()));
        std::raise(signal);
    }

    void run(bytes const& input)
    {
        current = &input;
        auto const copy =
            std::make_unique<std::uint8_t[]>(input.size());    // of the exact size, so that ASan sees its end
        for (std::size_t i = 0; i != input.size(); ++i) { copy[i] = input[i]; }
        LLVMFuzzerTestOneInput(copy.get(), input.size());
    }
}

int main(int argc, char** argv)
{
    if (argc < 3)
    {
        std::fprintf(stderr, "usage: %s ITERATIONS SEED...\n", argv[0]);
        return 2;
    }
    auto seeds = read_seeds(argc - 2, argv + 2);
    if (seeds.empty())
    {
        std::fprintf(stderr, "no seeds in %s\n", argv[2]);
        return 1;
    }
    for (auto const signal : {SIGABRT, SIGILL, SIGSEGV, SIGFPE, SIGBUS, SIGTRAP})
    {
        std::signal(signal, keep_current);
    }

    seeds.emplace_back();    // the empty input
    std::size_t inputs = 0;
    for (auto const& seed : seeds)
    {
        run(seed);
        for (std::size_t size = 0; size < std::min<std::size_t>(seed.size(), 64); ++size)
        {
            run(bytes(seed.begin(), seed.begin() + std::ptrdiff_t(size)));
            ++inputs;
        }
        ++inputs;
    }

    counter_random random;
    auto const iterations = std::strtoull(argv[1], nullptr, 10);
    for (unsigned long long i = 0; i != iterations; ++i)
    {
        auto input = seeds[random.below(seeds.size())];
        for (auto changes = random.below(4) + 1; changes != 0; --changes) { change(input, seeds, random); }
        run(input);
        ++inputs;
    }
    std::printf("%zu inputs from %zu seeds\n", inputs, seeds.size() - 1);
}
