-- Pictures: from a command into the draft, from there and from Lua to the agent.

local nvim = require('support.nvim')
local child_of = require('support.child')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

local function env(images)
  return { AGOR_FAKE_CAPABILITIES = vim.json.encode({ interrupt = true, images = images }) }
end

---@param child agor.test.Nvim
local function session(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_for([[require('agor').sessions()[1].started_at == 1000]])
end

T['send takes paths of images, relative ones from the window’s directory'] = test(
  { env = env(true) },
  function(child)
    session(child)
    local png = child:write('a shot.png', 'x')
    local jpg = child:write(child.home .. '/b.JPG', 'x')
    equal(child:get([[require('agor').send('', { images = { 'a shot.png', ... } })]], jpg), true)
    equal(child:wait_told('send').prompt.images, {
      { path = png, mime = 'image/png' },
      { path = jpg, mime = 'image/jpeg' },
    })
  end
)

T['what is no image is refused with a sentence'] = test({ env = env(true) }, function(child)
  session(child)
  child:write('a.txt', 'x')
  child:write('empty.png', '')
  for images, sentence in pairs({
    ["'x.png'"] = 'images must be a list of paths',
    ['{ 1 }'] = 'images[1] must be a path',
    ["{ 'gone.png' }"] = 'there is no image ' .. child.home .. '/work/gone.png',
    ["{ '.' }"] = 'is no file',
    ["{ 'a.txt' }"] = 'is no image that agents take: png, jpg, gif or webp',
    ["{ 'empty.png' }"] = 'is empty',
  }) do
    local result = child:get(
      ([[{ vim.F.if_nil(require('agor').send('x', { images = %s }), false), select(2, require('agor').send('x', { images = %s })) }]]):format(
        images,
        images
      )
    )
    equal(result[1], false)
    contains(result[2], sentence)
  end
  equal(child:told('send'), {})
end)

T['an agent that takes no images says so before anything is sent or attached'] = test(
  { env = env(false) },
  function(child)
    session(child)
    child:write('a.png', 'x')
    equal(
      child:get([[select(2, require('agor').send('x', { images = { 'a.png' } }))]]),
      'demo takes no images'
    )
    child:cmd('AgorPaste a.png')
    contains(child:notes(), 'demo takes no images')
    equal(child:get('#calls'), 0)
  end
)

T['paste adds the file to the draft and puts the cursor there'] = test(
  { env = env(true) },
  function(child)
    session(child)
    local path = child:write('a shot.png', ('x'):rep(2048))
    child:cmd('AgorPaste a shot.png')
    equal(child:get('calls[1]'), { 'pane.open', 'a', { focus = 'prompt' } })
    equal(
      child:get('calls[2]'),
      { 'prompt.attach_image', 'a', { path = path, mime = 'image/png', size = 2048 } }
    )
    child:cmd('AgorPaste')
    contains(child:notes(), 'name an image file')
    equal(child:get([[vim.fn.getcompletion('AgorPaste a', 'cmdline')]]), { 'a shot.png' })
  end
)

local LINES = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'

T['in a draft a picture is a line: sent with the words, shown, dropped with the line, and it comes back'] = child_of.test(
  nil,
  function(child)
    vim.fn.mkdir(child.home .. '/img', 'p')
    local path = child.home .. '/img/shot.png'
    vim.fn.writefile({ ('x'):rep(3000) }, path)
    child:lua('T.session("s1", ...) require("agor.ui.prompt").focus("s1")', { cwd = child.home })
    child:settle()
    child:lua('require("agor.ui.prompt").attach_image("s1", { path = ... })', path)
    child:lua('require("agor.ui.prompt").attach_image("s1", { path = ... })', path)
    child:type('what is this')
    equal(child:get(LINES), { '#img/shot.png', 'what is this' })
    contains(child:screen(), 'image, 3 KiB')
    child:type('<Esc>gg')
    child:type('K')
    contains(child:screen(), path)
    child:lua('vim.ui.open = function(opened) _G.opened = opened return {}, nil end')
    child:type('gf')
    equal(child:get('opened'), path)
    child:type('<CR>')
    equal(child:get('T.sent[1].opts'), { session = 's1', context = {}, images = { path } })
    child:lua(
      'require("agor.ui.prompt").restore("s1", { text = "again", images = { { path = ..., mime = "image/png" } } })',
      path
    )
    equal(child:get(LINES), { '#img/shot.png', 'again' })
    child:type('ggdd<CR>')
    equal(child:get('T.sent[2]'), { text = 'again', opts = { session = 's1', context = {} } })
    child:lua('require("agor.ui.prompt").attach_image("s1", { path = ... })', path)
    child:type('<CR>')
    equal(child:get('T.sent[3].opts.images'), { path })
  end
)

T['a picture in a draft survives a restart'] = child_of.test(nil, function(child)
  local path = child.home .. '/shot.png'
  vim.fn.writefile({ 'x' }, path)
  child:lua('T.session("s1", ...) require("agor.ui.prompt").focus("s1")', { cwd = child.home })
  child:lua('require("agor.ui.prompt").attach_image("s1", { path = ... })', path)
  child:quit()
  child_of.test({ home = child.home }, function(again)
    again:lua('T.session("s1") require("agor.ui.prompt").focus("s1")')
    equal(again:get(LINES), { '#shot.png', '' })
    again:type('<C-s>')
    equal(again:get('T.sent[1].opts.images'), { path })
  end)()
end)

return T
