"""The words of the forms: each code of the engine with the spellings that mean it. The first is written out again."""

from __future__ import annotations

__all__ = [
    "AREA",
    "CHANGE",
    "CLASS",
    "DOCUMENT",
    "NOTICE_GROUP",
    "ORIGIN",
    "OUTCOME",
    "POSTING",
    "RESPONDENT",
    "ROLE",
    "SEX",
    "SURVEY",
    "UNIT_CHANGE",
    "UNIT_LEVEL",
]

Terms = dict[str, tuple[str, ...]]

# “hộ nghèo thu nhập” and “hộ nghèo thiếu hụt …” are sub-kinds of 2016–2020 (QĐ 59/2015): dead, but still on old lists.
CLASS: Terms = {
    "poor": (
        "hộ nghèo",
        "nghèo",
        "hộ nghèo thu nhập",
        "hộ nghèo theo tiêu chí thu nhập",
        "hộ nghèo thiếu hụt tiếp cận dịch vụ xã hội cơ bản",
        "hộ nghèo thiếu hụt DVXHCB",
    ),
    "near_poor": ("hộ cận nghèo", "cận nghèo"),
    "none": ("hộ không nghèo", "không nghèo"),
}
AREA: Terms = {"rural": ("nông thôn",), "urban": ("thành thị", "đô thị")}
SEX: Terms = {"male": ("nam",), "female": ("nữ",)}
ORIGIN: Terms = {
    "managed": ("danh sách đang quản lý", "đang quản lý"),
    "request": ("giấy đề nghị (Mẫu 01)", "giấy đề nghị", "đề nghị", "Mẫu 01"),
}
UNIT_LEVEL: Terms = {
    "province": ("tỉnh", "thành phố trực thuộc trung ương", "province"),
    "district": ("huyện", "quận", "thị xã", "thành phố thuộc tỉnh", "district"),
    "commune": ("xã", "phường", "thị trấn", "commune"),
    "village": ("thôn", "tổ dân phố", "bản", "buôn", "khóm", "ấp", "xóm", "khu phố", "village"),
}
UNIT_CHANGE: Terms = {
    "merged": ("nhập", "sáp nhập", "merged"),
    "split": ("chia", "tách", "split"),
    "renamed": ("đổi tên", "renamed"),
    "recoded": ("đổi mã", "recoded"),
}
ROLE: Terms = {
    "enumerator": ("Rà soát viên", "Điều tra viên"),
    "village_head": ("Trưởng thôn", "Tổ trưởng", "Tổ trưởng tổ dân phố"),
    "front": ("Mặt trận Tổ quốc cấp xã",),
    "poverty_officer": ("Công chức giảm nghèo cấp xã",),
    "committee": ("Ban Chỉ đạo rà soát cấp xã", "Ban Chỉ đạo cấp xã"),
    "commune_chair": ("Chủ tịch UBND xã", "Chủ tịch UBND cấp xã"),
    "district_committee": ("Ban Chỉ đạo cấp huyện",),
    "superior_chair": (
        "Chủ tịch UBND cấp huyện",
        "Chủ tịch UBND huyện",
        "Chủ tịch UBND cấp tỉnh",
        "Chủ tịch UBND tỉnh",
    ),
    "province_committee": ("Ban Chỉ đạo cấp tỉnh",),
}
RESPONDENT: Terms = {"head": ("chủ hộ",), "member": ("thành viên am hiểu", "thành viên")}
SURVEY: Terms = {"survey": ("khảo sát",), "resurvey": ("khảo sát lại",), "recheck": ("phúc tra",)}
POSTING: Terms = {"posting": ("niêm yết",), "reposting": ("niêm yết lại",)}
OUTCOME: Terms = {
    "upheld": ("đúng",),
    "not_upheld": ("không đúng",),
    "outside_posting": ("ngoài thời gian niêm yết",),
}
CHANGE: Terms = {"moved_away": ("chuyển đi",), "died": ("chết", "hộ đơn thân chết")}
DOCUMENT: Terms = {
    "plan": ("kế hoạch",),
    "result_notice": ("thông báo kết quả",),
    "summary": ("tổng hợp",),
    "report": ("báo cáo",),
    "report_received": ("tiếp nhận báo cáo",),
    "opinion": ("ý kiến",),
    "decision": ("quyết định công nhận",),
}
NOTICE_GROUP: Terms = {
    "poor": ("hộ nghèo",),
    "near_poor": ("hộ cận nghèo",),
    "escaped_poverty": ("hộ thoát nghèo",),
    "escaped_near_poverty": ("hộ thoát cận nghèo",),
}
