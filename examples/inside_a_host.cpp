// Inside a program that has threads, an allocator and a clock of its own: nothing is started or taken behind
// its back.
#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/nano.hpp>

namespace
{
    // The host's threads. A real one has a pool; this one starts them as they are needed.
    class host_threads final : public gemma4::executor
    {
    public:
        std::size_t concurrency() const noexcept override { return 2; }

        void run(std::size_t pieces, gemma4::function_ref<void(std::size_t)> work) override
        {
            std::atomic<std::size_t> next{0};
            auto const help = [&]
            {
                for (auto piece = next++; piece < pieces; piece = next++) { work(piece); }
            };
            std::jthread const other(help);
            help();
        }
    };

    // The host's memory, counted.
    class host_memory final : public std::pmr::memory_resource
    {
    public:
        std::size_t held = 0;

    private:
        void* do_allocate(std::size_t bytes, std::size_t alignment) override
        {
            held += bytes;
            return std::pmr::new_delete_resource()->allocate(bytes, alignment);
        }
        void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override
        {
            held -= bytes;
            std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
        }
        bool do_is_equal(std::pmr::memory_resource const& other) const noexcept override
        {
            return this == &other;
        }
    };
}

int main(int argc, char** argv)
{
    host_memory memory;
    gemma4::load_options options;
    options.context = 512;
    options.max_memory = 64 << 20;
    options.executor = std::make_shared<host_threads>();
    options.memory = &memory;
    try
    {
        auto const model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano", options);
        for (auto const& warning : model.warnings()) { std::cerr << warning << '\n'; }
        gemma4::session chat{model};
        auto answer = chat.ask("What is the capital of Japan?");
        while (auto piece = answer.next())    // one piece at a time, between other work of the host
        {
            std::cout << *piece << std::flush;
            if (answer.used().new_tokens == 40) { answer.cancel(); }
        }
        std::cout << "\n(" << name(answer.reason()) << ", " << memory.held << " bytes of the host's memory, "
                  << model.plan().full() << " with the mapped weights and a full context)\n";
    }
    catch (gemma4::error const& failure)
    {
        std::cerr << failure.what() << '\n';
        return 1;
    }
}
