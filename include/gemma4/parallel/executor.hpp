// Where an engine's work runs. A host replaces the executor to bring its own threads; the library itself
// starts none.
#pragma once

#include <cstddef>

#include <gemma4/core/function_ref.hpp>

namespace gemma4::inline v0
{
    // Runs work that has been cut into pieces. Every piece writes to places of its own and no piece depends
    // on another, so results do not depend on how many threads there are nor on who does what.
    class executor
    {
    public:
        virtual ~executor() = default;

        // How many pieces can run at the same time; at least 1.
        virtual std::size_t concurrency() const noexcept = 0;

        // Calls work(piece) once for every piece in [0, pieces), in any order, on any threads, and returns
        // when all are done. `work` neither throws nor calls run() itself. Called by one thread at a time per
        // engine.
        virtual void run(std::size_t pieces, function_ref<void(std::size_t)> work) = 0;
    };

    // Runs everything on the calling thread.
    class inline_executor final : public executor
    {
    public:
        std::size_t concurrency() const noexcept override { return 1; }

        void run(std::size_t pieces, function_ref<void(std::size_t)> work) override
        {
            for (std::size_t piece = 0; piece != pieces; ++piece) { work(piece); }
        }
    };
}
