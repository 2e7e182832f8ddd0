--- Questions as the backend would ask them, and the user's first moves, for tests of their float.

local M = {}

M.OPTIONS = {
  { option_id = 'yes', name = 'Yes, once', kind = 'allow_once' },
  { option_id = 'always', name = 'Yes, always', kind = 'allow_always' },
  { option_id = 'no', name = 'No', kind = 'reject_once' },
}

function M.permission(nvim, fields)
  nvim:lua(
    [[
      local data = vim.tbl_extend('force', {
        session_id = 's1', request_id = 'r1', tool = 'Bash', title = 'make test', input = {},
        lines = { '$ make test' }, marks = { { 0, 0, 1, 'AgorDim' } },
      }, ...)
      T.session(data.session_id)
      require('agor.ui.ask').on_permission(data)
    ]],
    vim.tbl_extend('force', { options = M.OPTIONS }, fields or {})
  )
  nvim:settle()
end

function M.question(nvim, questions)
  nvim:lua(
    [[
      T.session('s1')
      require('agor.ui.ask').on_question({ session_id = 's1', request_id = 'q1', questions = ... })
    ]],
    questions
  )
  nvim:settle()
end

-- The clock is the test's: 0 until it says otherwise.
function M.clock(nvim)
  nvim:lua('Now = 0 require("agor.ui.ask").now = function() return Now end')
end

function M.focus(nvim)
  nvim:lua('require("agor.ui.ask").focus() Now = Now + 301')
  nvim:settle()
end

return M
